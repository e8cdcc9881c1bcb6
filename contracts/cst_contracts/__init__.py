"""The published language of CST: events, topics, REST models and problem types.

Pure Pydantic, no I/O and nothing else of CST's, so that an outside consumer can install this
package alone and read the topics.
"""
