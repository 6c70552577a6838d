# More than eight operators: temporaries are used again.
(def (Report (r 0)))
(when (> (+ (+ (+ (+ (+ (+ (+ (+ (+ Cwnd 1) 2) 3) 4) 5) 6) 7) 8) 9) 0)
    (:= Report.r (+ (* Cwnd 2) (+ (* Cwnd 3) (+ (* Cwnd 4) (+ (* Cwnd 5) (* Cwnd 6))))))
)
#@ test asm
#|    0  DEF     report.0, #0
#| event 0: flag 1..11, body 11..21
#|    1  ADD     tmp.0, Cwnd, #1
#|    2  ADD     tmp.0, tmp.0, #2
#|    3  ADD     tmp.0, tmp.0, #3
#|    4  ADD     tmp.0, tmp.0, #4
#|    5  ADD     tmp.0, tmp.0, #5
#|    6  ADD     tmp.0, tmp.0, #6
#|    7  ADD     tmp.0, tmp.0, #7
#|    8  ADD     tmp.0, tmp.0, #8
#|    9  ADD     tmp.0, tmp.0, #9
#|   10  GT      eventFlag, tmp.0, #0
#|   11  MUL     tmp.0, Cwnd, #2
#|   12  MUL     tmp.1, Cwnd, #3
#|   13  MUL     tmp.2, Cwnd, #4
#|   14  MUL     tmp.3, Cwnd, #5
#|   15  MUL     tmp.4, Cwnd, #6
#|   16  ADD     tmp.3, tmp.3, tmp.4
#|   17  ADD     tmp.2, tmp.2, tmp.3
#|   18  ADD     tmp.1, tmp.1, tmp.2
#|   19  ADD     tmp.0, tmp.0, tmp.1
#|   20  BIND    report.0, tmp.0
