"""Who acts, for which purpose: scopes, their nesting, and their end."""
