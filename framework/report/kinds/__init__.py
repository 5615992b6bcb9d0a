"""Reports, one file each: it chooses what is shown; facts, tables and figures are shared."""
