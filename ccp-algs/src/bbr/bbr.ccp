# The per-ACK half of BBR: rounds, the pulse of PROBE_BW, the window, packet conservation. Modes: 0 STARTUP, 1 DRAIN,
# 2 PROBE_BW, 3 PROBE_RTT. Rates are bytes per second, gains 1/256. One report a round, and one at once after a loss, a
# timeout, an undo, or when what a mode waits for has happened.
#
# As it stands, the transport says that it repairs losses (`#told`), and rounds are reported (`#rtt`). Lines that end in
# one of these marks are left out of other variants, where lines that begin with another stand without it: `#inferred`
# where the transport does not say so, `#every` and `#ack` by how often it reports.
(def
    (Report
        (volatile round false)
        (volatile rate 0)        # largest sample of packets that the application did not hold back
        (volatile peak 0)        # largest of all samples
        (volatile held false)    # whether the application held back any
        (volatile delivered 0)   # bytes
        (volatile lost 0)        # bytes
        (volatile minrtt +infinity)
        (volatile excess 0)
        (volatile timeout false)
        (volatile undone false)  #told
        (volatile idle false)
        (volatile done false)
        (now 0)
        (mode 0)                 # the mode that is in force; at the next ACK, the one before
    )
    # Orders.
    (mss 1448)
    (pair 2896)        # two segments
    (least 5792)       # the least window, bytes
    (keep 99)          # the part of the bandwidth to pace at, in 1/100
    (first 2857851)    # the first rate, in windows per second and RTprop
    (mode 0)
    (phase 9)          # of PROBE_BW, 0 to 7; the program advances it. From 9 on there is none
    (bw 0)             # larger samples raise it at once
    (most 4000000000)  # but not beyond this, so that no product overflows
    (rtprop 33554431)  # lower samples lower it at once
    (pgain 739)
    (cgain 739)
    (full false)
    (slack 0)          # room for bursts, ACK aggregation and rounding up, bytes
    (bursts 0)         # room for bursts and rounding up alone
    #every (every 0)
    # The program's own.
    (limit 0)      # bytes in flight when the round began
    (gone 0)       # delivered or lost since
    (repairing false)
    (conserve false)
    (prior 0)      # the window to come back to
    (win 0)        # the window that this program set last
    (empty false)  # whether nothing was in flight after the last ACK
    (aggat 0)      # ACK aggregation: since when, and how much came
    (aggacked 0)
    (bdp 0)
    #every (since 0)  # the time of the last report
)
(when true
    (:= news (* (+ Ack.packets_acked Ack.packets_misordered) mss))
    (:= acts (> news 0))
    (:= Report.lost (* Ack.lost_pkts_sample mss))
    (:= gone (+ gone (+ news Report.lost)))
    (:= Report.round (> gone limit))

    # Bandwidth and RTprop.
    (:= x (min Flow.rate_incoming Flow.rate_outgoing))
    (:= x (!if acts 0))
    (:= next Flow.app_limited)
    (:= Report.held (if next true))
    (:= Report.rate (!if next (max Report.rate x)))
    (:= Report.peak (max Report.peak x))
    (:= bw (min most (max bw x)))
    (:= rtprop (min rtprop Flow.rtt_sample_us))
    (:= bdp (/ (* bw rtprop) 1000000))
    # Restart from idle: such an ACK ends a round, and so is reported at once.
    (:= Report.idle (&& empty next))  #told
    #inferred (:= Report.idle (&& empty (! repairing)))

    # Recovery begins (`shut`) or ends (`open`). The window from before comes back; so it does after PROBE_RTT.
    (:= prior (!if (|| repairing (> Report.mode 2)) 0))
    (:= next (> Flow.recovery 1))                         #told
    (:= next (!if (|| acts Flow.was_timeout) repairing))  #told
    # Until what was in flight has been delivered or lost, and as long as losses go on.
    #inferred (:= next (&& repairing (! Report.round)))
    #inferred (:= next (if (|| Flow.was_timeout (&& acts (> Report.lost 0))) true))
    (:= shut (&& next (! repairing)))
    (:= open (&& repairing (! next)))
    (:= repairing next)
    (:= prior (if (|| shut (> mode (max Report.mode 2))) (max prior (max win Cwnd))))
    (:= next (|| shut Report.round))
    (:= limit (if next Flow.bytes_in_flight))
    (:= gone (if next 0))
    # After a timeout, until as much has been delivered as the window held.
    #inferred (:= limit (if Flow.was_timeout prior))
    (:= shut (if Flow.was_timeout false))
    (:= conserve (if (|| open Report.round) false))
    (:= conserve (if shut true))

    # The pulse. In flight is compared as it was before this ACK.
    (:= gain pgain)
    (:= gain (if (== phase 0) 320))
    (:= gain (if (== phase 1) 192))
    (:= goal (/ (+ (/ (* bdp (max 256 gain)) 256) bursts) pair))
    (:= goal (if (== phase 0) (+ goal 1)))
    (:= goal (* goal pair))
    (:= x (+ Flow.bytes_in_flight (+ news Report.lost)))
    (:= next (> Micros rtprop))
    (:= next (if (&& (== phase 0) (&& (== Report.lost 0) (< x goal))) false))
    (:= next (if (&& (== phase 1) (> (+ goal 1) x)) true))
    (:= phase (if next (+ phase 1)))
    (:= phase (if (== phase 8) 0))
    (:= Micros (if (|| next (> mode Report.mode)) 0))
    # With nothing in flight the flow is to go on at gain 1: it restarts from idle.
    (:= gain (if (== Flow.bytes_in_flight 0) 256))

    # The rate. Before the pipe is full it only rises.
    (:= Rate (if (&& acts (== win 0)) (/ (* Cwnd first) rtprop)))
    (:= x (/ (* (* bw gain) keep) 25600))
    (:= Rate (if (|| (> x Rate) full) x))

    # ACK aggregation: what came beyond the bandwidth since it was last behind, half a minute ago at most.
    (:= x (min 33554431 (- (max Ack.now aggat) aggat)))
    (:= next (|| Report.idle (> x 33554430)))
    (:= x (/ (* bw x) 1000000))
    (:= next (|| next (> x aggacked)))
    (:= aggat (if next Ack.now))
    (:= aggacked (if next 0))
    (:= x (if next 0))
    (:= aggacked (+ aggacked news))
    (:= Report.excess (max Report.excess (min Cwnd (- (max aggacked x) x))))

    # The window. The first ten packets always let it grow, so to twenty from ten.
    (:= x (/ (+ (/ (* bdp cgain) 256) slack) pair))
    (:= x (if (== phase 0) (+ x 1)))
    (:= x (* x pair))
    (:= Cwnd (if acts (- (max Cwnd (+ Report.lost mss)) Report.lost)))
    (:= Cwnd (if Flow.was_timeout (+ Flow.bytes_in_flight mss)))
    (:= Cwnd (if shut 0))
    (:= Cwnd (if conserve (max Cwnd (+ Flow.bytes_in_flight news))))
    (:= Cwnd (if (|| open (> (max Report.mode 2) (max mode 2))) (max Cwnd prior)))
    (:= next (&& acts (! conserve)))
    (:= Cwnd (if (&& next (|| full (< Cwnd (max x (* 20 mss))))) (+ Cwnd news)))
    (:= Cwnd (if (&& next full) (min Cwnd x)))
    (:= Cwnd (if next (max Cwnd least)))
    (:= Cwnd (if (== mode 3) (min Cwnd least)))
    (:= win Cwnd)

    # The report.
    (:= Report.delivered (+ Report.delivered news))
    (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
    (:= Report.timeout Flow.was_timeout)
    (:= Report.undone Flow.undone)  #told
    (:= Report.now Ack.now)
    (:= Report.mode mode)
    (:= Report.done (if (== mode 1) (< Flow.bytes_in_flight (+ goal 1))))
    (:= Report.done (if (== mode 3) (< Flow.packets_in_flight 5)))
    (:= empty (== Flow.bytes_in_flight 0))
    (fallthrough)
)
(when (||
          #every (|| (> Report.lost 0) (> Ack.now (+ since every)))
          #ack (> Ack.now 0)
          (> Report.lost 0)  #rtt
          #inferred (|| Report.timeout (|| Report.round Report.done))
          (|| Report.undone (|| Report.timeout (|| Report.round Report.done)))  #told
      )
    #every (:= since Ack.now)
    (report)
)
