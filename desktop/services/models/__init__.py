"""The models on this computer: the list, their files, where they lie and where others keep theirs."""
