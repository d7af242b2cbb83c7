"""What the end-to-end tests are made of: a broker, observers, agents, bad servers, waiting."""
