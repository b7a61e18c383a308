"""The subcommands of `emotion-edge`: one module each, with `SUMMARY`, `EXAMPLES`, `configure` and `execute`."""
