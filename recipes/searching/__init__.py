"""What `recipes.search` is made of: space, oracles, trials, report."""
