"""placeholder"""
CREDENTIALS = {}
def from_a_stick(boxes, table): pass
def broken(boxes, table): pass
