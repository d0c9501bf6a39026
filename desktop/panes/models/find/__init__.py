"""The page that looks for models on the Hub: what is there, what fits, what is fetched."""
