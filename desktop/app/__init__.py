"""The window's root: `root` makes every part and joins them, `models` those of the models pane."""

from desktop.app.root import run

__all__ = ["run"]
