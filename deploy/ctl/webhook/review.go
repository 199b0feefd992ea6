package webhook

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/json"

	"lameduck/deploy/ctl/jsonpatch"
)

// kindReview and groupReview are what a review calls itself; the group is followed by its version.
const (
	kindReview  = "AdmissionReview"
	groupReview = "admission.k8s.io/"
)

// An answer is what the API server is told about one request: yes, and perhaps more.
type answer struct {
	result   result
	patch    []jsonpatch.Operation
	warnings []string
}

// warn is an answer that changes nothing and says why.
func warn(r result, format string, args ...any) answer {
	return answer{result: r, warnings: []string{fmt.Sprintf(format, args...)}}
}

// maxParts bounds the values of a review. A pod has some hundreds of them, and one with thirty containers of a hundred variables 9,000. Without a
// bound 8 MiB of "{},{},{}" would become 2 GB of containers, and anybody who may create pods could end the webhook.
const maxParts = 10_000

// hasManyParts says whether a JSON text has more values than we look at.
func hasManyParts(text []byte) bool {
	parts, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++ // what is escaped ends no string
		case !quoted && (c == ',' || c == '{' || c == '['):
			parts++
		}
	}
	return parts > maxParts
}

// decodeReview reads a review. The error says why it is none.
func decodeReview(text []byte) (*admissionv1.AdmissionReview, error) {
	review := new(admissionv1.AdmissionReview)
	// As the API server does: names as they are written, large numbers as they are.
	if err := json.UnmarshalCaseSensitivePreserveInts(text, review); err != nil {
		return nil, fmt.Errorf("decode AdmissionReview: %w", err)
	}
	if review.Kind != kindReview || !strings.HasPrefix(review.APIVersion, groupReview) {
		return nil, fmt.Errorf("this is a %q of %q: want an AdmissionReview of %sv1", review.Kind, review.APIVersion, groupReview)
	}
	if review.Request == nil || review.Request.UID == "" {
		return nil, errors.New("the AdmissionReview has no request with a uid")
	}
	return review, nil
}

// encodeReview writes the answer to a request. It always allows, and speaks the version that it was asked in.
func encodeReview(asked metav1.TypeMeta, uid types.UID, a answer) ([]byte, error) {
	response := &admissionv1.AdmissionResponse{UID: uid, Allowed: true, Warnings: presentable(a.warnings)}
	if len(a.patch) > 0 {
		patch, err := stdjson.Marshal(a.patch)
		if err != nil {
			return nil, fmt.Errorf("encode patch: %w", err)
		}
		kind := admissionv1.PatchTypeJSONPatch
		response.Patch, response.PatchType = patch, &kind
	}
	return stdjson.Marshal(&admissionv1.AdmissionReview{TypeMeta: asked, Response: response})
}

// beginning reads what is needed for an answer from the first bytes of a review: the API server writes kind, apiVersion and the request's uid
// in front of all else. false: it is not there.
func beginning(text []byte) (asked metav1.TypeMeta, uid types.UID, found bool) {
	in := tokens{stdjson.NewDecoder(bytes.NewReader(text))}
	for key := range in.keys() {
		switch key {
		case "kind":
			asked.Kind = in.text()
		case "apiVersion":
			asked.APIVersion = in.text()
		case "request":
			for key := range in.keys() {
				if key == "uid" {
					uid = types.UID(in.text())
				}
				break // there is nothing to look for after it
			}
			return asked, uid, asked.Kind == kindReview && strings.HasPrefix(asked.APIVersion, groupReview) && uid != ""
		default:
			return asked, "", false
		}
	}
	return asked, "", false
}

// tokens are those of a JSON text that may end anywhere.
type tokens struct{ *stdjson.Decoder }

// keys enters an object and returns its keys, as long as each is followed by a value that the loop takes.
func (t tokens) keys() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if open, err := t.Token(); err != nil || open != stdjson.Delim('{') {
			return
		}
		for t.More() {
			if !yield(t.text()) {
				return
			}
		}
	}
}

// text returns the next token if it is a string, and "" otherwise.
func (t tokens) text() string {
	token, err := t.Token()
	if err != nil {
		return ""
	}
	s, _ := token.(string)
	return s
}
