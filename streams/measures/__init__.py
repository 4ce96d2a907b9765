"""Business measures: what every customer adds to the company's figures, exact as their states."""
