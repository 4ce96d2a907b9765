"""The ways a message leaves: webhook, e-mail, Slack-compatible webhook, apprise."""
