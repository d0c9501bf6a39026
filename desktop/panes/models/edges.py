"""What the pages' shared widgets know of services, as types: values that a controller hands to them.

Invariant: nothing here does anything, and nothing that does anything is named here.
"""

from desktop.services.fit.fitting import Fit

__all__ = ["Fit"]
