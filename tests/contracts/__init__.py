"""Each contract as its OpenAPI document has it, tried by generated requests."""
