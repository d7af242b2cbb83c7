import CLinux

/// Shows on the processor that runs it that byte order, alignment and arithmetic are what they have to be.
///
/// Facts that the unit tests have too, which run on x86-64 and as ordinary Swift only; packets, benches and
/// the scripted server are theirs. `deploy/build --self-test TARGET` makes a program of it, which prints each
/// fact that does not hold, and at the end how many do.
@main struct SelfTest {
  static func main() {
    var facts = Facts()
    facts.aboutNumbers()
    facts.aboutPackets()
    facts.aboutSessions()
    facts.aboutJournals()
    print("\(facts.passed) passed, \(facts.failed) failed")
    exit(facts.failed == 0 ? 0 : 1)
  }
}

/// Counts what holds and what does not.
struct Facts {
  private(set) var passed = 0
  private(set) var failed = 0

  /// Prints `fact` unless it holds.
  mutating func expect(_ holds: Bool, _ fact: @autoclosure () -> String) {
    if holds {
      passed += 1
    } else {
      failed += 1
      print("FAILED: \(fact())")
    }
  }
}
