"""Reports besides that of one study: `compare`, methods side by side over studies and seeds."""
