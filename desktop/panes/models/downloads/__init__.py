"""The page of what is on its way."""
