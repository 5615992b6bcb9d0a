"""One file is one plug-in; the file's name is its name.

Files that begin with an underscore are what they share.
"""
