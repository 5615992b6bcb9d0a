"""Where trials run, behind one interface: futures. Today in this process."""
