"""A live camera session without a page: its worker, its slot, its frame rate, its ICE servers."""
