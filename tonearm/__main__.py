"""`python -m tonearm`, the same as `tonearm`."""

from tonearm.app import main

if __name__ == "__main__":
    main()
