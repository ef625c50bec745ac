package testparts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeRun checks the page against WCAG 2.2 AA.
const axeRun = `axe.run(document, {
	resultTypes: ['violations'],
	runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']},
}).then(result => JSON.stringify({
	checked: result.passes.length,
	violations: result.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.target.join(' ') + ' ' + n.any.concat(n.all, n.none).map(c => c.message).join('; '))})),
}))`

// Violations gives what axe-core finds wrong with the page as it is now, one line for a place; a page on which axe finds
// nothing to check fails the test. axe runs in a world of its own: the page's Content-Security-Policy stays in force,
// and the page cannot meddle with it.
func (b *Browser) Violations() []string {
	b.tb.Helper()
	source, err := os.ReadFile(tool(b.tb, "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		b.tb.Fatalf("read axe-core: %v", err)
	}
	world := run(b, "open a world for axe", isolatedWorld)
	inWorld := func(p *runtime.EvaluateParams) { p.ContextID = world }
	run(b, "load axe-core", chromedp.Evaluate[chromedp.Void](string(source), inWorld))
	answer := run(b, "run axe-core", chromedp.Evaluate[string](axeRun, inWorld, chromedp.EvalAwaitPromise))
	return b.readAxe(answer)
}

func (b *Browser) readAxe(answer string) []string {
	b.tb.Helper()
	var result struct {
		Checked    int
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
	}
	if err := json.Unmarshal([]byte(answer), &result); err != nil {
		b.tb.Fatalf("read axe's answer: %v", err)
	}
	if result.Checked == 0 && len(result.Violations) == 0 {
		b.tb.Fatal("axe found nothing to check on the page")
	}
	var lines []string
	for _, v := range result.Violations {
		for _, node := range v.Nodes {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s: %s", v.ID, v.Help, node)))
		}
	}
	return lines
}

func isolatedWorld(ctx context.Context, t *chromedp.Target) (runtime.ExecutionContextID, error) {
	tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return 0, err
	}
	world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
	return world.ExecutionContextID, err
}
