# However deep an expression, eight temporaries are enough where its order can be chosen.
(def (Report (deep 0) (balanced 0)))
(when true
    (:= Report.deep (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ (+ Ack.bytes_acked 0) 1) 2) 3) 4) 5) 6) 7) 8) 9) 10) 11) 12) 13) 14) 15) 16) 17) 18) 19) 20) 21) 22) 23) 24) 25) 26) 27) 28) 29) 30) 31) 32) 33) 34) 35) 36) 37) 38) 39) 40) 41) 42) 43) 44) 45) 46) 47) 48) 49) 50) 51) 52) 53) 54) 55) 56) 57) 58) 59))
    (:= Report.balanced (+ (* Ack.bytes_acked 2) (- (* Ack.bytes_acked 30) (+ (* Ack.bytes_acked 4) (+ (* Ack.bytes_acked 5) (+ (* Ack.bytes_acked 6)
        (+ (* Ack.bytes_acked 1) (+ (* Ack.bytes_acked 2) (+ (* Ack.bytes_acked 3) (+ (* Ack.bytes_acked 1) (* Ack.bytes_acked 1)))))))))))
    (report)
)
#@ test run
#@ ack bytes_acked=1
#= cwnd=14480 report=[1771, 9]
#@ ack bytes_acked=1000
#= cwnd=14480 report=[2770, 9000]
