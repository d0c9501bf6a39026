"""What reaches beyond this computer: the seal and the list of connections, the Hub, and the token for it."""
