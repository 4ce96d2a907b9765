"""Services from the wheels of Python packages, for a laptop; never for production."""
