"""Everything that touches a board: cameras, light, button, board health."""
