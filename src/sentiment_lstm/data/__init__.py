"""Where texts come from: every source yields rows, screened into examples."""
