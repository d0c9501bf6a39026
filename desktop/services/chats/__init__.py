"""Conversations: stored, searched, exported, and talked on."""
