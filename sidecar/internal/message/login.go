package message

// Names of the requests about who the node is.
const (
	MethodLogin  = "login"
	MethodLogout = "logout"
)

// Login logs a node in that was started. AuthKey is a secret; without one the event authUrl says where to log in.
type Login struct {
	AuthKey        string  `json:"authKey,omitempty"`
	LoginTimeoutMs Timeout `json:"loginTimeoutMs,omitzero"`
}

func loginSpecs() []Spec {
	return []Spec{
		request[Login, Node](FromNode, MethodLogin),
		request[Empty, Empty](FromNode, MethodLogout),
	}
}
