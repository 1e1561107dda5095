"""The command line as the main file of an application that was submitted to a cluster.

It lies alone in its folder, because Python finds modules beside a main file first.
"""

from tonearm.app import main

if __name__ == "__main__":
    main()
