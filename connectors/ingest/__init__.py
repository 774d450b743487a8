"""Events that other systems send over HTTP."""
