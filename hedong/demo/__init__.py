"""The demo district (演示数据): a loader of invented content, and of nothing else."""

# Every stage draws from its own generator, seeded with this and its name, so that stages do not disturb each other.
SEED = "hedong-demo-1"
BANNER = "演示数据：地名以外的单位、人员、电话、诉求全部是虚构的，不是真实情况。"
FICTIONAL_BANNER = "演示数据：本区以及区内的单位、人员、电话、诉求全部是虚构的。"
