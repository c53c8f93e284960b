"""What heads are made of: the component class, its settings and what it saves, outputs with their losses, layers."""
