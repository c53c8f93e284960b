"""The shared encoder: views, wordpieces, routed FFN clusters, sharing rules, weights, listener, pipe."""
