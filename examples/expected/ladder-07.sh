serve echo_client "$program" 127.0.0.1:0
