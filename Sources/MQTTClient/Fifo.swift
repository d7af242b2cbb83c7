/// A queue in an array: what was taken leaves a gap at the front, which closes when it is half of it.
struct Fifo<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var count: Int { elements.count - head }

  var isEmpty: Bool { count == 0 }

  var first: Element? { isEmpty ? nil : elements[head] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    if head * 2 >= elements.count { close() }
    return element
  }

  /// Takes the first that `matches`.
  mutating func removeFirst(where matches: (Element) -> Bool) -> Element? {
    close()
    guard let index = elements.firstIndex(where: { $0.map(matches) ?? false }) else { return nil }
    return elements.remove(at: index)
  }

  mutating func removeAll(where matches: (Element) -> Bool) {
    close()
    elements.removeAll { $0.map(matches) ?? true }
  }

  func count(where matches: (Element) -> Bool) -> Int {
    elements.count { $0.map(matches) ?? false }
  }

  private mutating func close() {
    elements.removeFirst(head)
    head = 0
  }
}

extension Fifo: Sendable where Element: Sendable {}
