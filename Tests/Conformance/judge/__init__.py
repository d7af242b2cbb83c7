"""What judges a client from outside: a driver for its line protocol, and servers that do as told."""
