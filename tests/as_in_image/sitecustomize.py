"""What processes see that stand for those of an image: no package for development only.

Python imports this by itself where the folder is on its path. `kubernetes` would load
kubernetes-validate, and that all that it needs, for more than a second.
"""

import sys

sys.modules["kubernetes_validate"] = None  # importing it fails as where it is not installed
