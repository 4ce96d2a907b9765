"""The contract as others read it: JSON Schema, AsyncAPI, event dictionary, all from the types."""
