postern_fuzzer(address mail base)
postern_fuzzer(config config mail base)
