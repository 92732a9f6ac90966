"""The rules. No flask, no status codes, no JSON: a service takes what it touches and raises AppErrors."""
