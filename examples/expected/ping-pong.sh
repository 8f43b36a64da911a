run "$program" 10000
