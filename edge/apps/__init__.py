"""What people use beyond the daemon; each app is thin and stands on the same stages."""
