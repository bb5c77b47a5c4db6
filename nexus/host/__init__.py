"""The host: lifespan, supervisor and state machine of the modules. Knows no HTTP."""
