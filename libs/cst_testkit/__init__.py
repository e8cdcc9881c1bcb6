"""What tests of CST share: stacks to run against, and helpers to wait for conditions."""
