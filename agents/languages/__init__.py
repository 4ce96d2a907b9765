"""Texts for people, one Project Fluent file a language: reasons, actions, alerts and mails."""
