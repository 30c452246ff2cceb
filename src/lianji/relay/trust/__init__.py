"""Who may speak to a hub: its authority, its edges, and how a plant becomes one of them."""
