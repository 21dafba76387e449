package message

// Names of the requests of role lab about who may be on its tailnet, and about its control server.
const (
	MethodCompleteAuth = "completeAuth"
	MethodApprove      = "approve"
	MethodExpireKeys   = "expireKeys"
	MethodStopControl  = "stopControl"
	MethodStartControl = "startControl"
)

// CompleteAuth logs the node in that was told to visit URL.
type CompleteAuth struct {
	URL string `json:"url"`
}

func (c CompleteAuth) check() error { return notEmpty("url", c.URL) }

// Approve lets a machine in.
type Approve struct {
	Node string `json:"node"`
}

func (a Approve) check() error { return notEmpty("node", a.Node) }

// ExpireKeys makes the keys of nodes expired, or valid again.
type ExpireKeys struct {
	Expired bool `json:"expired"`
}

func labLoginSpecs() []Spec {
	return []Spec{
		request[CompleteAuth, Empty](FromNode, MethodCompleteAuth),
		request[Approve, Empty](FromNode, MethodApprove),
		request[ExpireKeys, Empty](FromNode, MethodExpireKeys),
		request[Empty, Empty](FromNode, MethodStopControl),
		request[Empty, Empty](FromNode, MethodStartControl),
	}
}
