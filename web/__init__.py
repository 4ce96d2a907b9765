"""Pages and sockets for people and producers, in processes of their own beside the agents."""
