"""A project of one's own: what is asked for, the config that follows from it, and the files of the project."""
