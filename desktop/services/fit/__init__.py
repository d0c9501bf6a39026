"""What a model takes here and how fast it is: asked, measured, and learned from."""
