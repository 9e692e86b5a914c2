"""The policy language: YAML rules whose `when` is a SQL predicate over declared fields."""
